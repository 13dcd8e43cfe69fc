import{h as s}from"./chunk-BJHTTJ6X.js";function e(i){return s("div",{class:"view",children:"List"})}export{e as default};

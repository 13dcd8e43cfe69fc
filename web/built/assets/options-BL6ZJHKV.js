import{h as s}from"./chunk-BJHTTJ6X.js";function e(o){return s("div",{class:"view",children:"Options"})}export{e as default};

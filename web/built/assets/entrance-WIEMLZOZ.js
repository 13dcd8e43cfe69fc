import{h as n}from"./chunk-BJHTTJ6X.js";function e(d){return n("div",{class:"view",children:"Entrance"})}export{e as default};

import{h as n}from"./chunk-BJHTTJ6X.js";function a(e){return n("div",{class:"view",children:"Panel"})}export{a as default};

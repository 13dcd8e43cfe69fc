import{h as e}from"./chunk-BJHTTJ6X.js";function l(d){return e("div",{class:"view",children:"Help"})}export{l as default};

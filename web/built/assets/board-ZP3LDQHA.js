import{h as e}from"./chunk-BJHTTJ6X.js";function o(r){return e("div",{class:"view",children:"Board"})}export{o as default};

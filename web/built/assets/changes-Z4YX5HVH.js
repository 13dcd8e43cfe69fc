import{h as e}from"./chunk-BJHTTJ6X.js";function d(i){return e("div",{class:"view",children:"Changes"})}export{d as default};

import{h as i}from"./chunk-BJHTTJ6X.js";function d(n){return i("div",{class:"view",children:"Admin"})}export{d as default};

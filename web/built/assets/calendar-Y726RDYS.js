import{h as e}from"./chunk-BJHTTJ6X.js";function a(n){return e("div",{class:"view",children:"Calendar"})}export{a as default};

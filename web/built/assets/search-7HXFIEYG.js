import{h as e}from"./chunk-BJHTTJ6X.js";function t(i){return e("div",{class:"view",children:"Search"})}export{t as default};

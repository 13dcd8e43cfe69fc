import{h as e}from"./chunk-BJHTTJ6X.js";function t(l){return e("div",{class:"view",children:"Palette"})}export{t as default};

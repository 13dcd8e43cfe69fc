import{h as e}from"./chunk-BJHTTJ6X.js";function s(r){return e("div",{class:"view",children:"Members"})}export{s as default};

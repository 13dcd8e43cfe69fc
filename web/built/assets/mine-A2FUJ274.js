import{h as i}from"./chunk-BJHTTJ6X.js";function e(){return i("div",{class:"view",children:"Mine"})}export{e as default};

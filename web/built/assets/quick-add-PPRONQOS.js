import{h as d}from"./chunk-BJHTTJ6X.js";function i(c){return d("div",{class:"view",children:"QuickAdd"})}export{i as default};

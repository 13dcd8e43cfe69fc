import{h as t}from"./chunk-BJHTTJ6X.js";function i(n){return t("div",{class:"view",children:"Settings"})}export{i as default};

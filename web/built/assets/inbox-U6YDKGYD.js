import{h as n}from"./chunk-BJHTTJ6X.js";function o(){return n("div",{class:"view",children:"Inbox"})}export{o as default};

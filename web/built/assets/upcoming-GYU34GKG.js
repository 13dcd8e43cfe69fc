import{h as i}from"./chunk-BJHTTJ6X.js";function n(){return i("div",{class:"view",children:"Upcoming"})}export{n as default};

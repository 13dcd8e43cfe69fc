import{g as i}from"./chunk-U7HJEVDI.js";var f=({connection:e})=>e?.kind==="offline"||e?.kind==="closed"||e?.kind==="connecting"&&e.attempt>1,s=()=>i(f);export{s as a};

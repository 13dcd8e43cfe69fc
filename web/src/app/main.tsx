// Starts the board: follows addresses, finds out who is signed in, and draws.

import { render } from "preact";
import { installWorker } from "./installing.js";
import { App } from "./shell/app.js";
import { followAddresses } from "./places.js";
import { begin } from "./session.js";
import { beginTheme } from "./theme.js";

beginTheme();
followAddresses();
render(<App />, document.body);
void begin();
installWorker();

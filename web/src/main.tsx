// Where the page begins: the key out of the address, the theme, the shell.
import "./look/type.css";
import "./look/tokens.css";
import "./look/base.css";
import "./look/controls.css";
import "./shell/shell.css";
import { render } from "preact";
import { takeKey } from "./api/key";
import { Shell } from "./shell/Shell";
import { startTheme } from "./shell/theme";

takeKey();
startTheme();
const place = document.getElementById("studio");
if (place) render(<Shell />, place);

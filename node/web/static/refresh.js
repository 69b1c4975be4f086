// For pages whose live parts change all the time: "Clustering" and the health checks.

import { keepLooking, redraw } from "./live.js";

const PERIOD_MS = 2000;

keepLooking(redraw, PERIOD_MS);

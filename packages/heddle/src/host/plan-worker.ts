/** Program of the threads that look at plans: connects the runner's part with the tasks, and opens projects to be read. */
import type { PlanTask } from "../project/plan-ask.ts";
import { carryOutPlanTask } from "../project/plan-task.ts";
import { serveJobs } from "../runner/bounded-threads.ts";
import { openProject } from "./open.ts";

serveJobs((task: PlanTask) => carryOutPlanTask(task, (dir) => openProject(dir, { title: "heddle", access: "read" })));

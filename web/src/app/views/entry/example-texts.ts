// What the example of a team works on, in English. All of it is invented.

import type { Priority } from "../../../sdk/contract.js";

export interface ExampleTask {
  title: string;
  /** A place among `projects`. */
  project: number;
  stage?: "doing" | "done";
  priority?: Priority;
  tags?: string[];
  /** In how many days it is due. */
  due?: number;
  /** At what time of that day, in UTC; the whole day when left out. */
  at?: string;
  description?: string;
  repeats?: string;
  mine?: boolean;
  /** Tasks below it. */
  parts?: string[];
  /** The title of a task before it that blocks it. */
  after?: string;
}

export const EXAMPLE = {
  workspace: "Hazel Bicycles",
  projects: [
    { name: "Online shop", color: "#2563a8" },
    { name: "Workshop", color: "#b45309" },
    { name: "Spring festival", color: "#0b6e4f" },
  ],
  tasks: [
    { title: "Fix the checkout on small screens", project: 0, stage: "doing", priority: "urgent", tags: ["bug", "checkout"], due: 0, mine: true, description: "The button to pay lies **below** the keyboard.\n\n- seen on three phones\n- the basket is kept" },
    { title: "Photograph the new city bikes", project: 0, priority: "medium", tags: ["photos"], due: 2, mine: true, parts: ["Clean the frames", "Ask Ben for the lights", "Choose ten pictures"] },
    { title: "Write the size guide", project: 0, stage: "doing", priority: "high", tags: ["copy"], due: 1 },
    { title: "Translate the page about deliveries", project: 0, tags: ["copy"], due: 5 },
    { title: "Test the gift vouchers", project: 0, priority: "high", tags: ["checkout"], due: -1, mine: true },
    { title: "Filter bikes by frame size", project: 0, priority: "low", due: 9 },
    { title: "Publish the size guide", project: 0, due: 3, tags: ["copy"], after: "Write the size guide" },
    { title: "Speed up the search for spare parts", project: 0, stage: "done", priority: "medium", tags: ["bug"] },
    { title: "Answer reviews of the week", project: 0, due: 4, repeats: "FREQ=WEEKLY", mine: true },
    { title: "Show the stock of each shop", project: 0, stage: "done" },
    { title: "Order brake pads", project: 1, priority: "high", tags: ["parts"], due: 0, at: "14:00", mine: true },
    { title: "True the wheels of the rental bikes", project: 1, stage: "doing", tags: ["repair"], due: 1 },
    { title: "Repair stand: replace the clamp", project: 1, priority: "medium", tags: ["repair", "parts"], due: 6 },
    { title: "Call the supplier about chains", project: 1, tags: ["parts"], due: -2, priority: "medium" },
    { title: "Tidy the tool wall", project: 1, stage: "done" },
    { title: "Check the fire extinguishers", project: 1, due: 12, repeats: "FREQ=MONTHLY" },
    { title: "Teach Dev how to bleed brakes", project: 1, stage: "done", tags: ["repair"] },
    { title: "Count spare parts", project: 1, priority: "low", tags: ["parts"], due: 8 },
    { title: "Book the square in front of the town hall", project: 2, stage: "done", priority: "high", tags: ["place"] },
    { title: "Find a band", project: 2, stage: "doing", tags: ["music"], due: 3, mine: true },
    { title: "Draw the poster", project: 2, priority: "medium", tags: ["print"], due: 4 },
    { title: "Print 200 posters", project: 2, tags: ["print"], due: 7, after: "Draw the poster" },
    { title: "Invite the neighbours", project: 2, due: 10 },
    { title: "Plan the route of the night ride", project: 2, priority: "high", tags: ["ride"], due: 2, at: "17:30", mine: true },
    { title: "Borrow lights for the night ride", project: 2, tags: ["ride"], due: 6 },
    { title: "Ask for a permit for music", project: 2, priority: "urgent", tags: ["music", "place"], due: -1 },
    { title: "Choose a date in case of rain", project: 2, stage: "done" },
  ] satisfies ExampleTask[] as ExampleTask[],
};

// The small dialogs that make a workspace and a project.

import { useActing } from "../acting.js";
import { useAsking } from "../asking.js";
import { go } from "../places.js";
import { T } from "../texts.js";
import { Dialog } from "./dialog.js";
import { Field, Form, type Values } from "./form.js";

const Naming = ({ title, close, submit }: { title: string; close: () => void; submit: (name: string) => Promise<void> | void }) => (
  <Dialog title={title} close={close}>
    <Form
      submit={({ name = "" }: Values) => submit(name.trim())}
      button={T.workspace.create}
      beside={
        <button type="button" onClick={close}>
          {T.cancel}
        </button>
      }
    >
      <Field name="name" label={T.workspace.name} maxLength={100} autocomplete="off" pattern=".*\S.*" required autofocus />
    </Form>
  </Dialog>
);

export const NewWorkspace = ({ close }: { close: () => void }) => {
  const ask = useAsking();
  const submit = async (name: string) => {
    const { id } = await ask("workspace.create", { name });
    close();
    go({ scene: { at: "workspace", workspace: id, project: undefined, layout: "board" } });
  };
  return <Naming title={T.frame.newWorkspace} close={close} submit={submit} />;
};

/** A project is there at once, also offline: nothing goes to it before the server has it. */
export const NewProject = ({ workspace, close }: { workspace: string; close: () => void }) => {
  const { act } = useActing();
  const submit = (name: string) => {
    act("project.create", { workspace_id: workspace, name }, T.workspace.projectMade(name));
    close();
  };
  return <Naming title={T.frame.newProject} close={close} submit={submit} />;
};

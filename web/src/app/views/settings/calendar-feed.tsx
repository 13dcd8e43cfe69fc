// The calendar feed: an address that calendar programs read without a sign-in, shown once.

import { useState } from "preact/hooks";
import { useAsking } from "../../asking.js";
import { Confirm } from "../../parts/confirm.js";
import { Copy } from "../../parts/copy.js";
import { Form } from "../../parts/form.js";
import { BASE } from "../../places.js";
import { T } from "../../texts.js";
import { tell } from "../../toasts.js";

export const CalendarFeed = () => {
  const ask = useAsking();
  const [url, setUrl] = useState<string>();
  const [isAsked, setAsked] = useState(false);
  const make = async () => {
    const made = await ask("calendar.create", {});
    // A server that does not know where people reach it answers a path.
    setUrl(new URL(made.url, BASE).href);
  };
  const end = async () => {
    await ask("calendar.revoke", {});
    setUrl(undefined);
    tell(T.settings.feedEnded);
  };
  return (
    <section>
      <h2>{T.settings.parts.calendar}</h2>
      <p>{T.settings.feedHint}</p>
      <p class="quiet-text">{T.settings.feedSecret}</p>
      {url && (
        <div class="shown-once">
          <p>{T.settings.feedOnce}</p>
          <Copy label={T.settings.feedUrl} text={url} />
        </div>
      )}
      <Form
        submit={make}
        button={T.settings.makeFeed}
        beside={
          <button type="button" class="bad" onClick={() => setAsked(true)}>
            {T.settings.endFeed}
          </button>
        }
      />
      {isAsked && (
        <Confirm title={T.settings.endFeed} button={T.settings.endFeed} close={() => setAsked(false)} run={end}>
          <p>{T.settings.endFeedText}</p>
        </Confirm>
      )}
    </section>
  );
};

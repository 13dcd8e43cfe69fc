// A component that is drawn again only when one of its properties is another one, or what it reads itself changed.

import { Component, type ComponentType, type FunctionComponent } from "preact";

const differ = (a: object, b: object): boolean => {
  const before = a as Record<string, unknown>;
  const after = b as Record<string, unknown>;
  for (const key in after) if (!Object.is(before[key], after[key])) return true;
  for (const key in before) if (!(key in after)) return true;
  return false;
};

export const memo = <P extends object>(Part: FunctionComponent<P>): ComponentType<P> =>
  class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return differ(this.props, next);
    }
    override render(props: P) {
      return <Part {...props} />;
    }
  };

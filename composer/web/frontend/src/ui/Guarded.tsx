import { Component, type ComponentType, type ReactNode } from "react";
import { useComposer } from "../store";
import { Button } from "./Button";

interface Props {
  /** What is drawn, in words. */
  what: string;
  /** How it is closed, where it lies over the page. */
  close?: () => void;
  children: ReactNode;
}

/** A part of the page whose failure leaves the other parts, and the graph, as they are. The next change of the graph tries it again. */
export class Guarded extends Component<Props, { failed: Error | null }> {
  state = { failed: null as Error | null };
  private stop: (() => void) | null = null;

  static getDerivedStateFromError(failed: unknown) {
    return { failed: failed instanceof Error ? failed : new Error(String(failed)) };
  }

  componentDidCatch() {
    this.stop?.();
    this.stop = useComposer.subscribe(({ view }, before) => view !== before.view && this.again());
  }

  componentWillUnmount() {
    this.stop?.();
  }

  private again = () => {
    this.stop?.();
    this.setState({ failed: null });
  };

  render() {
    const { failed } = this.state;
    const { what, close, children } = this.props;
    if (!failed) return children;
    return (
      <div className={`composer-failed${close ? " is-over" : ""}`} role="alert">
        <b>The {what} could not be drawn.</b>
        <p>{failed.message}</p>
        <p>The graph is kept. Undo the last step, or try again.</p>
        <Button onClick={this.again}>Try again</Button>
        {close && (
          <Button
            onClick={() => {
              close();
              this.again();
            }}
          >
            Close
          </Button>
        )}
      </div>
    );
  }
}

/** A kind of box or wire, each of which is guarded by itself. */
export function guardedKind<P extends { id: string }>(what: string, Kind: ComponentType<P>): ComponentType<P> {
  return (props: P) => (
    <Guarded what={`${what} ${props.id}`}>
      <Kind {...props} />
    </Guarded>
  );
}

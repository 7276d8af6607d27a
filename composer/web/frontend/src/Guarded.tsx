import { Component, type ReactNode } from "react";

interface Props {
  /** What is drawn, in words. */
  what: string;
  children: ReactNode;
}

/** A part of the page whose failure leaves the other parts, and the work, as they are. */
export class Guarded extends Component<Props, { failed: Error | null }> {
  state = { failed: null as Error | null };

  static getDerivedStateFromError(failed: Error) {
    return { failed };
  }

  render() {
    const { failed } = this.state;
    if (!failed) return this.props.children;
    return (
      <div className="composer-failed" role="alert">
        <b>The {this.props.what} could not be drawn.</b>
        <p>{failed.message}</p>
        <p>Your work is kept. Undo the last step, or draw it again.</p>
        <button type="button" className="composer-button" onClick={() => this.setState({ failed: null })}>
          Draw it again
        </button>
      </div>
    );
  }
}

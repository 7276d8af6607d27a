export function Canvas() {
  return <div className="composer-canvas" />;
}

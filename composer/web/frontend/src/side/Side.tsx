export function Side() {
  return <div className="composer-side" />;
}

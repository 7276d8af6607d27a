export function Toolbar() {
  return <div className="composer-toolbar" />;
}

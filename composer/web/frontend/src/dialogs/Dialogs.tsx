export function Dialogs() {
  return <div className="composer-dialogs" />;
}

export function Palette() {
  return <div className="composer-palette" />;
}

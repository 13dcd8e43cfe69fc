export default function Palette(_: { close: () => void }) {
  return <div class="view">Palette</div>;
}

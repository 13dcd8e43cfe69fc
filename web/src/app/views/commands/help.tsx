export default function Help(_: { close: () => void }) {
  return <div class="view">Help</div>;
}

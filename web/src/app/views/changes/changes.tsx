export default function Changes(_: { close: () => void }) {
  return <div class="view">Changes</div>;
}

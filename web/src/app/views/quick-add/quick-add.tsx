export default function QuickAdd(_: { close: () => void }) {
  return <div class="view">QuickAdd</div>;
}

export default function Panel(_: { task: string }) {
  return <div class="view">Panel</div>;
}

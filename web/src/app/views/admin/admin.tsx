export default function Admin(_: { part: string }) {
  return <div class="view">Admin</div>;
}

export default function Settings(_: { part: string }) {
  return <div class="view">Settings</div>;
}

export default function Inbox() {
  return <div class="view">Inbox</div>;
}

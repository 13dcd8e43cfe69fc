export default function Search(_: { text: string }) {
  return <div class="view">Search</div>;
}

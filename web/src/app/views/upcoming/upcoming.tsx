export default function Upcoming() {
  return <div class="view">Upcoming</div>;
}

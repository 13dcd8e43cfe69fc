export default function Entrance(_: { reason?: string | undefined }) {
  return <div class="view">Entrance</div>;
}

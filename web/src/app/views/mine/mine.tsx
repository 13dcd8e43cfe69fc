export default function Mine() {
  return <div class="view">Mine</div>;
}

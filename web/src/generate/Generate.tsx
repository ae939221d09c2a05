export default function Generate() {
  return <h1>Generate</h1>;
}

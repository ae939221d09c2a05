// A shape on its stage: light, a camera that goes round it, and drawing when something has changed.
// Knows three; no files and no keys.
import { AmbientLight, Box3, DirectionalLight, Mesh, type Object3D, PerspectiveCamera, Scene, Sphere, Spherical, Vector3, WebGLRenderer } from "three";

export class Stage {
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(40, 1, 0.01, 100);
  private readonly around = new Spherical(3, 1.15, 0.6);
  private readonly middle = new Vector3();
  private frame = 0;

  /** Error where this browser draws no 3D. */
  constructor(canvas: HTMLCanvasElement, private readonly shape: Object3D) {
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    const ball = new Box3().setFromObject(shape).getBoundingSphere(new Sphere());
    shape.scale.multiplyScalar(1 / (ball.radius || 1));
    shape.position.sub(ball.center).multiplyScalar(1 / (ball.radius || 1));
    const [key, fill] = [new DirectionalLight(0xffffff, 2.4), new DirectionalLight(0xffffff, 0.8)];
    key.position.set(2, 3, 4);
    fill.position.set(-3, 1, -2);
    this.scene.add(shape, new AmbientLight(0xffffff, 1), key, fill);
    this.draw();
  }

  turn(right: number, up: number): void {
    this.around.theta -= right;
    this.around.phi = Math.min(Math.PI - 0.05, Math.max(0.05, this.around.phi - up));
    this.draw();
  }

  nearer(by: number): void {
    this.around.radius = Math.min(20, Math.max(1.05, this.around.radius / by));
    this.draw();
  }

  reset(): void {
    this.around.set(3, 1.15, 0.6);
    this.draw();
  }

  wires(on: boolean): void {
    this.shape.traverse((one) => {
      if (one instanceof Mesh) for (const material of [one.material].flat()) material.wireframe = on;
    });
    this.draw();
  }

  resize(width: number, height: number): void {
    this.camera.aspect = width / Math.max(1, height);
    this.camera.updateProjectionMatrix();
    this.renderer.setSize(width, height, false);
    this.draw();
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.shape.traverse((one) => {
      if (one instanceof Mesh) one.geometry.dispose();
    });
    this.renderer.dispose();
    this.renderer.forceContextLoss();
  }

  private draw(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.camera.position.setFromSpherical(this.around).add(this.middle);
      this.camera.lookAt(this.middle);
      this.renderer.render(this.scene, this.camera);
    });
  }
}

/** How much there is of it. */
export function countsOf(shape: Object3D): { points: number; faces: number } {
  let [points, faces] = [0, 0];
  shape.traverse((one) => {
    const geometry = (one as Mesh).geometry;
    if (!geometry?.attributes?.position) return;
    points += geometry.attributes.position.count;
    if (one instanceof Mesh) faces += (geometry.index?.count ?? geometry.attributes.position.count) / 3;
  });
  return { points, faces };
}

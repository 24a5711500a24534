/** True in the development server and in `vite build --mode fake`; false in the product. */
declare const __FAKE__: boolean;

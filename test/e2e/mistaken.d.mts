export declare const MISTAKEN: string;

import { describe, expect, it } from 'vitest';
import { makeNode } from '../src/onnx/index.js';
import { dataInputs, has, integerKernel, isOperand, weightAxis } from '../src/operators/index.js';
import { OPERATORS } from '../src/operators/table.js';

const rows = Object.entries(OPERATORS);
const node = (op: string, inputs = 3) => makeNode(op, ['a', 'b', 'c'].slice(0, inputs), ['y']);

describe('the table of operators', () => {
  it('says where linear operators have their weights', () => {
    for (const [op, { is, weight }] of rows) if (is.includes('linear')) expect(weight, op).toBeDefined();
    expect(weightAxis(node('Conv'), 1, 4)).toBe(0);
    expect(weightAxis(node('ConvTranspose'), 1, 4)).toBe(1);
    expect(weightAxis(node('Conv'), 2, 1)).toBeNull();
    expect(weightAxis(node('MatMul', 2), 0, 3)).toBe(1);
    expect(weightAxis(node('Relu', 1), 0, 3)).toBeNull();
  });
  it('refuses several scales only where there is an integer kernel', () => {
    for (const [op, { is }] of rows) if (is.includes('one-scale')) expect(is, op).toContain('integer-output');
  });
  it('names a property once', () => {
    for (const [op, { is }] of rows) expect(new Set(is).size, op).toBe(is.length);
  });
  it('holds for the ONNX domain alone, and knows nothing of other operators', () => {
    const foreign = makeNode('Relu', ['a'], ['y'], {}, { domain: 'com.example' });
    expect(has(node('Relu', 1), 'absorbed')).toBe(true);
    expect(has(foreign, 'absorbed')).toBe(false);
    expect(has(node('NoSuchOperator'), 'linear')).toBe(false);
  });
  it('tells operands and moved values from shapes and indices', () => {
    expect([0, 1, 2].map((input) => isOperand(node('Conv'), input))).toEqual([true, true, false]);
    expect([0, 1].map((input) => isOperand(node('Resize'), input))).toEqual([true, false]);
    expect(dataInputs(node('ScatterND'))).toEqual([0, 2]);
    expect(dataInputs(node('Concat'))).toEqual([0, 1, 2]);
    expect(dataInputs(node('Gather', 2))).toEqual([0]);
  });
});

describe('the table of integer kernels', () => {
  it('takes every QLinear operator for one that gives codes', () => {
    expect(integerKernel('QLinearSoftmax')).toEqual({ gives: 'codes' });
    expect(integerKernel('MatMulIntegerToFloat')?.gives).toBe('float');
    expect(integerKernel('MatMul')).toBeUndefined();
  });
});

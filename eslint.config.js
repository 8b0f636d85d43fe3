// One lint for the whole tree: type-aware rules, and the import direction between the parts.
import eslint from '@eslint/js';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import svelte from 'eslint-plugin-svelte';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Which folders a folder of the daemon must never import (README of daemon/, "Import direction"). */
const zones = [
  // Between processes: only `proto` is shared.
  { target: './proto', from: ['./daemon', './main', './renderer', './test'] },
  { target: './daemon', from: ['./main', './renderer', './test', './build'] },
  { target: './main', from: ['./daemon', './renderer', './test', './build'] },
  { target: './renderer', from: ['./daemon', './main', './test', './build'] },
  // Inside the daemon: the ports and pure parts know nothing of those that use them.
  {
    target: './daemon/support',
    from: ['./daemon/!(support)', './daemon/!(support)/**'],
  },
  { target: './daemon/model', from: ['./daemon/!(model|support)/**'] },
  // The gossip engine is usable alone: nothing of the product below it but `support`.
  { target: './daemon/gossip', from: ['./daemon/!(gossip|support)/**'] },
  { target: './daemon/registry', from: ['./daemon/!(registry|model|support)/**'] },
  { target: './daemon/store', from: ['./daemon/!(store|model|support)/**'] },
  { target: './daemon/sync', from: ['./daemon/!(sync|model|support|registry|store)/**'] },
  { target: './daemon/membership', from: ['./daemon/!(membership|gossip|model|support)/**'] },
  { target: './daemon/replication', from: ['./daemon/!(replication|model|support)/**'] },
  // The kit is what a driver is written with; an example knows the kit alone.
  {
    target: './driver-kit',
    from: ['./daemon/!(registry|model|support)/**', './test/**', './main/**'],
  },
  { target: './examples', from: ['./daemon', './test', './main', './renderer'] },
  // The lab is a registry of its own: neither may the product see it, nor it the product.
  { target: './daemon/lab', from: ['./daemon/!(lab|support)/**'] },
  {
    target: './daemon/!(lab|cli)/**/*',
    from: ['./daemon/lab'],
    message: 'The lab never leaks into the path of the product.',
  },
];

export default defineConfig(
  {
    ignores: [
      'node_modules/',
      'dist/',
      'driver-kit/dist/',
      'coverage/',
      'proto/gen/',
      'test/fixtures/',
    ],
  },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    plugins: { 'import-x': importX },
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
      },
    },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.json'] })],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
      'import-x/no-default-export': 'error',
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // `Map` keys and array indices are checked by noUncheckedIndexedAccess where it matters.
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: true },
      ],
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts', 'driver-kit/conformance/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { parser: tseslint.parser, extraFileExtensions: ['.svelte'] },
    },
    rules: {
      // Runes are declared with `let` and assigned by Svelte.
      'prefer-const': 'off',
      // TypeScript knows the names of the browser.
      'no-undef': 'off',
      // Reactivity goes through runes; a Map or URLSearchParams made in passing is no state.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  {
    files: ['eslint.config.js', 'build/*.config.ts', 'build/*.config.js', 'daemon/launch.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'import-x/no-default-export': 'off' },
  },
);

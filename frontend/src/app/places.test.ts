import { expect, test } from 'vitest';
import { mayVisit, places } from './places';

const visible = (...held: string[]) =>
  places.filter((place) => mayVisit(place, (action) => held.includes(action))).map((place) => place.name);

test('a place is there for whoever may do one of the things in it', () => {
  expect(visible()).toEqual(['home', 'me']);
  expect(visible('project.manage')).toEqual(['home', 'me', 'settings']);
  expect(visible('keys.manage')).toEqual(['home', 'me', 'signIn']);
  expect(visible('settings.read')).toEqual(['home', 'me', 'settings']);
});

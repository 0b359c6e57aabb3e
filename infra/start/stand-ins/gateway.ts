import { listen } from './listen.ts';

listen(process.env.PORT);

// Node 20 cannot start at a .cts file, whatever hook reads it: from here it is required.
require('./tsx.cts');

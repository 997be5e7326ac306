#include "CMediaIO.h"
